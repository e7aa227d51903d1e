"""Find a browser, launch it and talk to it. This package knows neither Power BI nor pytest."""
