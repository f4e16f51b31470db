"""Deploy the selected stack."""

from infra import startup

with startup.without_garbage_collection():
    startup.import_in_parts("pulumi_aws")

    import pulumi

    from infra.program import deploy
    from infra.settings import Settings

    for output, value in deploy(Settings.load()).items():
        pulumi.export(output, value)
