//! The documents match the program: every command and every block of code in them is run here, in reduced form if it
//! takes long, and its output is compared with the document.

mod documents {
    mod commands;
    mod pages;
    mod readme;
    mod reference;
    mod repository;
    mod support;
}

mod texts;
