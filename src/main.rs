use mimalloc::MiMalloc;
use std::process::ExitCode;

/// Requests make and drop thousands of small things, on all threads at once. SQLite does, too: what C takes is also its.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(_) => return ExitCode::FAILURE,
    };
    let code = runtime.block_on(aifirst::cli::run());
    // Whatever has not ended in its time is taken up at the next start: it must not keep this process from ending.
    runtime.shutdown_background();
    code
}
