//! `sopup lsp`: a language server. `buffer` holds the texts of open documents, `scanner` finds secrets in them, `server` speaks
//! with the editor.

mod buffer;
mod scanner;
mod server;

pub(in crate::cli) use scanner::Scanner;

use lsp_server::Connection;

use super::Exit;
use super::error::CliError;
use super::ui::Ui;
use super::what::What;

/// Show secrets in editors while they are typed: a language server on standard input and output
///
/// Editors start it. Each secret in an open document is a diagnostic with a masked value, by the same rules, configuration and
/// baseline as a scan, before the file is saved. Hovering or "Explain" tells why it was found and how to replace it; "Allow"
/// writes it to the allowlist of .sopup.yaml, as `sopup allow` does.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sopup lsp                          what an editor starts
  sopup lsp --min-confidence high

In the configuration of Neovim 0.11:
  vim.lsp.config('sopup', { cmd = { 'sopup', 'lsp' }, root_markers = { '.git' } })
  vim.lsp.enable('sopup')

docs/src/editors.md of sopup shows the settings of VS Code and Helix, too.")]
pub(super) struct Args {
    /// Speak on standard input and output; it always does
    #[arg(long)]
    stdio: bool,

    #[command(flatten)]
    what: What,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let Args { stdio: _, what } = args;
    let (connection, threads) = Connection::stdio();
    let ended = server::serve(&connection, what, ui);
    drop(connection);
    // What was not written when the editor went away is nobody's any more.
    let _ = threads.join();
    // The protocol asks for 1 where the end was not announced.
    ended.map(|ended| if ended == server::Ended::Announced { Exit::Clean } else { Exit::Child(1) })
}
