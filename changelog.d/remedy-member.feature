Faults of `config check --json` and findings of `doctor --json` name what to do in the member `remedy`, which was `mend`.
