"""Find, launch and talk to a browser. This package knows neither Power BI nor pytest."""
