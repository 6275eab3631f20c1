"""Image work: arrays and bytes in, arrays and bytes out. No web, no asyncio, no database."""
