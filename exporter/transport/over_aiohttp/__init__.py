"""The aiohttp transport: serves behind a proxy, and where an endpoint and the lean transport do not get along."""
