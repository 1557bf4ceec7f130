//! `fer completions`: what a shell needs to complete the command line.

use clap_complete::Shell;

use super::emit;

/// Print a script with which a shell completes the command line.
///
/// For bash: `fer completions bash > ~/.local/share/bash-completion/completions/fer`.
#[derive(clap::Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Runs the command.
    pub fn run(self, mut command: clap::Command) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "fer", &mut script);
        emit(String::from_utf8(script)?.trim_end())
    }
}
