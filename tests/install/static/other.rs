//! Another static library in Rust.

#[unsafe(no_mangle)]
pub extern "C" fn other_answer() -> i32 {
    #[cfg(panic = "unwind")]
    assert!(std::panic::catch_unwind(|| panic!("of the other library")).is_err());
    std::thread::spawn(|| "42".parse().unwrap()).join().unwrap()
}
