"""Deploy the selected stack."""

import pulumi

from infra.program import deploy
from infra.settings import Settings

for output, value in deploy(Settings.load()).items():
    pulumi.export(output, value)
