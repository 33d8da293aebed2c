"""What processes use: looked at while they run, and put together with what the kernel says at
their end."""
