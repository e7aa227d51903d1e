"""The project's own tests run the plugin as its users do, and run it again inside `pytester`."""

pytest_plugins = ["pytester"]
