"""ECR's side of the local AWS: repositories that hold images, and what builds and pushes them."""
