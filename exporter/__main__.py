"""``python -m exporter`` is the ``exporter`` command."""

from exporter.cli.app import main

if __name__ == "__main__":
    main()
