"""The services of the cloud: stepped by the scheduler, waited for and described."""
