"""The image that stands in for nginx where no registry can be reached."""
