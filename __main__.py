"""Deploy the selected stack."""

from infra import startup

with startup.fast("pulumi_aws"):
    import pulumi

    from infra.program import deploy
    from infra.settings import Settings

    for output, value in deploy(Settings.load()).items():
        pulumi.export(output, value)
