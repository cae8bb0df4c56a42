"""Value flow: which answer made a value, and which later requests bring it back."""
