//! What the simulator claims, checked against what others measured or published.

pub mod claims;
