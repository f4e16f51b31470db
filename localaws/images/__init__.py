"""Container images: where they come from, and what is kept of them on this machine.

`puller.py` is the way in. A pull resolves a reference to a digest, downloads what the store lacks,
and unpacks it behind the launcher, where files may belong to the users that the image names.
"""
