//! The release has each function once that the compiler made several times, to the last byte the same: of an API's many
//! resolvers and futures a good part. It is Rust's own linker for this target, LLD, that finds them.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name, value| std::env::var(name).is_ok_and(|given| given == value);
    if is("PROFILE", "release") && is("TARGET", "x86_64-unknown-linux-gnu") {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}
