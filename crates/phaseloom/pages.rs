//! The README and the pages of the book whose Rust blocks run as documentation tests.

macro_rules! pages {
    ($($name:ident: $path:literal),* $(,)?) => { $(#[doc = include_str!($path)] mod $name {})* };
}

pages! {
    readme: "../../README.md",
    library: "../../docs/tutorials/library.md",
}
