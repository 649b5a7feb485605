//! Samples the process that loads it, as long as the file `sampling` is in the folder `BENCH_SAMPLES`. Then it writes the file
//! `stacks` there: a line for each stack, its functions from the outermost to the innermost with `;` between them, a blank and
//! how often it was seen.
use pprof::{Frames, ProfilerGuardBuilder, Report};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// A second. Odd, so that it does not keep step with what the server does by the clock.
const SAMPLES: i32 = 99;
const LOOK: Duration = Duration::from_millis(20);

#[used]
// SAFETY: the loader calls what stands in this section once, before `main`; the C library is there by then.
#[unsafe(link_section = ".init_array")]
static LOADED: extern "C" fn() = loaded;

extern "C" fn loaded() {
    if let Some(folder) = env::var_os("BENCH_SAMPLES").map(PathBuf::from) {
        thread::spawn(move || {
            if let Err(error) = sample(&folder) {
                eprintln!("bench/sampler: {error}");
            }
        });
    }
}

fn sample(folder: &Path) -> io::Result<()> {
    let sampling = folder.join("sampling");
    wait_until(|| sampling.exists());
    let guard = ProfilerGuardBuilder::default().frequency(SAMPLES).build().map_err(io::Error::other)?;
    wait_until(|| !sampling.exists());
    let report = guard.report().build().map_err(io::Error::other)?;
    drop(guard);
    // Whole once it has its name.
    let part = folder.join("stacks.part");
    fs::write(&part, folded(&report))?;
    fs::rename(part, folder.join("stacks"))
}

fn wait_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::sleep(LOOK);
    }
}

fn folded(report: &Report) -> String {
    report.data.iter().map(|(stack, count)| format!("{} {count}\n", outermost_first(stack))).collect()
}

/// What was inlined stands as the function that it is in, as `perf` tells it here.
fn outermost_first(stack: &Frames) -> String {
    let names = stack.frames.iter().rev().filter_map(|inlined| inlined.last());
    names.map(|symbol| symbol.name().replace(';', ":")).collect::<Vec<_>>().join(";")
}
