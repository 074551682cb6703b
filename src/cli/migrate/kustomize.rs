//! What kustomize renders, if it is there to be asked. It never sees the repository: it renders copies of files that sopup
//! read and understood, in a private folder, with an environment of its own.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::cli::error::CliError;
use crate::cli::sops::child::Shelter;
use crate::cli::ui::Ui;
use crate::migrate::rendering::{Failure, Files, Renderer, Rendering};

/// How long one kustomization may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where copies are rendered: a program and a private folder.
pub(super) struct Kitchen {
    tool: Tool,
    shelter: Shelter,
    folder: PathBuf,
}

impl Kitchen {
    pub(super) fn open(ui: &Ui) -> Result<Self, String> {
        let tool = Tool::find().ok_or("neither kustomize nor kubectl is on the PATH")?;
        let wrong = |error: CliError| error.to_string();
        let shelter = Shelter::new(ui).map_err(wrong)?;
        let folder = shelter.path().map_err(wrong)?;
        Ok(Self { tool, shelter, folder })
    }

    fn run(&self, copy: &Path, folder: &str) -> Result<Rendering, String> {
        let mut command = self.command();
        command.arg(copy.join(folder));
        let mut child = command.spawn().map_err(|error| format!("{} cannot be run: {error}", self.tool.program.display()))?;
        let (out, said) = (all(child.stdout.take()), all(child.stderr.take()));
        let success = ended(&mut child).ok_or_else(|| format!("rendering took longer than {} s", PATIENCE.as_secs()))?;
        let (out, said) = (out.join().unwrap_or_default(), said.join().unwrap_or_default());
        if !success {
            let said = complaint(&String::from_utf8_lossy(&said)).replace(&format!("{}/", copy.display()), "");
            return Err(format!("kustomize says: {said}"));
        }
        let text = std::str::from_utf8(&out).ok().and_then(Rendering::parse);
        text.ok_or_else(|| "what it renders to is no YAML".to_owned())
    }

    /// The program with an environment that has nothing of the user's in it. It finds no other program to run, no
    /// cluster to ask, and no way to the network that leads through a proxy.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.tool.program);
        command.args([self.tool.command, "--load-restrictor", "LoadRestrictionsRootOnly"]);
        command.current_dir(&self.folder).env_clear();
        for name in ["HOME", "PATH", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
            command.env(name, &self.folder);
        }
        command.env("KUBECONFIG", "/dev/null").env("KUBERC", "off");
        for name in ["HTTP_PROXY", "HTTPS_PROXY"] {
            // Nobody can listen on this port.
            command.env(name, "http://127.0.0.1:0");
        }
        #[cfg(windows)]
        command.envs(std::env::vars_os().filter(|(name, _)| name.eq_ignore_ascii_case("SystemRoot")));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Renderer for Kitchen {
    fn render(&self, name: &str, files: &Files, folder: &str) -> Result<Rendering, Failure> {
        for (path, bytes) in files {
            self.shelter.write(&format!("{name}/{path}"), bytes).map_err(|error| Failure::NotTried(error.to_string()))?;
        }
        self.run(&self.folder.join(name), folder).map_err(Failure::Broken)
    }
}

/// A program that renders.
struct Tool {
    program: PathBuf,
    command: &'static str,
}

impl Tool {
    /// Of what is on the PATH.
    fn find() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let folders: Vec<PathBuf> = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
        let found = |(name, command)| {
            let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
            let program = folders.iter().map(|folder| folder.join(&name)).find(|program| program.is_file())?;
            Some(Self { program, command })
        };
        [("kustomize", "build"), ("kubectl", "kustomize")].into_iter().find_map(found)
    }
}

/// The last line of what a program said, without what kubectl logs around it.
fn complaint(said: &str) -> String {
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it fails").trim();
    let inner = last.split_once("err=\"").map_or(last, |(_, inner)| inner.trim_end_matches('"'));
    inner.trim_start_matches("Error: ").trim_start_matches("error: ").to_owned()
}

/// Reads a pipe to its end, beside the program that fills it.
fn all(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Zeroizing<Vec<u8>>> {
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::new());
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        bytes
    })
}

/// Whether a program ended well; `None` if it took too long and was stopped.
fn ended(child: &mut Child) -> Option<bool> {
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}
