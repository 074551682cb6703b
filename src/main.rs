//! The `sopup` program; everything it does is in the library.

fn main() -> sopup::cli::Exit {
    sopup::cli::main()
}
