//! `sopup diff`.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use super::child::exit_code;
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::file::PrivateDir;
use crate::text::shell_quoted;

/// Show which values of SOPS files changed, between commits or between two files
///
/// This is `git diff` with `sopup textconv` for every file: it takes the same arguments, in a clone that knows nothing of sopup
/// too, and heeds the same configuration of git. Values are shown as marks, unless `--show-secrets` is given first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup diff                                     what is not staged
  sopup diff HEAD~3..HEAD -- secrets/
  sopup diff --show-secrets main -- prod.enc.yaml
  sopup diff old.enc.yaml new.enc.yaml           two files")]
pub(in crate::cli) struct Args {
    /// Print the values themselves
    #[arg(long)]
    show_secrets: bool,

    /// Two files, or what `git diff` takes: commits, `--stat`, `--cached`, `-- PATH`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    arguments: Vec<OsString>,
}

pub(in crate::cli) fn run(args: &Args, _: &Ui) -> Result<Exit, CliError> {
    let program = std::env::current_exe()
        .map_err(|error| CliError::new(format!("cannot tell where sopup is: {error}"), "start it by its whole path"))?;
    let option = if args.show_secrets { " --show-secrets" } else { "" };
    let textconv = format!("diff.sopup.textconv={} textconv{option} --", shell_quoted(&program.to_string_lossy()));
    let folder = PrivateDir::create(&[], &std::env::temp_dir())?;
    let attributes = folder.write("attributes", b"* diff=sopup\n")?;
    let mut setting = OsString::from("core.attributesFile=");
    setting.push(&attributes);
    let mut git = Command::new("git");
    git.arg("-c").arg(setting).args(["-c", &textconv, "-c", "diff.sopup.cachetextconv=false", "diff", "--no-ext-diff", "--textconv"]);
    if let [old, new] = &args.arguments[..]
        && [old, new].into_iter().all(|name| Path::new(name).is_file())
    {
        git.args(["--no-index", "--"]);
    }
    let status = git.args(&args.arguments).status();
    let status = status.map_err(|error| CliError::new(format!("cannot start git: {error}"), "install git, or put it on PATH"))?;
    Ok(Exit::Child(exit_code(status)))
}
