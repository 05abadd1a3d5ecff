//! Takes one thread's proof to another.
use wdm_irp::PassiveLevel;

fn main() {
    let at = PassiveLevel::check().unwrap();
    std::thread::spawn(move || drop(at));
}
