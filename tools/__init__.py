"""Commands that run, check and measure the notebooks: `python -m tools.NAME`."""
