use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    aifirst::cli::run().await
}
