"""What a stack costs on AWS: list prices, and how much of what it deploys."""
