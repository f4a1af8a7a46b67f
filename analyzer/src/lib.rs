//! Unwinds, symbolizes and explains a stopped process.
