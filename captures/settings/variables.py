"""Variables of the environment that Retape reads, or sets for a service it starts, for the documentation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable and what it does, without a full stop."""

    name: str
    meaning: str


VARIABLES = (
    Variable("RETAPE_REDACT_KEY", "the key of pseudonyms, 16 characters or more; wins over `[redact] key`"),
    Variable("RETAPE_STATE_DIR", "where the state folder is, instead of `.retape/` beside the configuration"),
    Variable("RETAPE_DEBUG", "with any value: what the recorder's processes say of themselves is shown"),
    Variable("RETAPE_PORT", "set for `-- CMD`, as is `PORT`: the port that stands for `{port}`"),
    Variable("CI", "with any value: nothing is written into the repository, nothing prompts, no browser opens"),
    Variable("NO_COLOR", "with any value: no colours (no-color.org)"),
    Variable("COLUMNS", "how wide the terminal's report is"),
    Variable("GITHUB_STEP_SUMMARY", "in GitHub Actions: the file of the job summary"),
    Variable("GITHUB_OUTPUT", "in GitHub Actions: the file of the step's outputs"),
    Variable("HTTP_PROXY", "set for `-- CMD`, with `HTTPS_PROXY` and their lower-case twins; `NO_PROXY` is emptied"),
    Variable("NODE_EXTRA_CA_CERTS", "set for `-- CMD`, as is what else makes clients trust Retape's CA"),
)
