//! Messages of the editor, and the answers.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidChangeWatchedFiles, DidCloseTextDocument, DidOpenTextDocument, DidSaveTextDocument, Exit, Notification as _,
    PublishDiagnostics, ShowMessage,
};
use lsp_types::request::{CodeActionRequest, ExecuteCommand, HoverRequest, Request as _};
use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOptions, CodeActionParams, CodeActionProviderCapability, Command, Diagnostic, DiagnosticSeverity,
    DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, ExecuteCommandOptions, ExecuteCommandParams, Hover,
    HoverContents, HoverParams, HoverProviderCapability, MarkupContent, MarkupKind, MessageType, NumberOrString, Position,
    PublishDiagnosticsParams, Range, ServerCapabilities, ShowMessageParams, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, Uri,
};
use serde_json::{Value, json};

use super::buffer::Buffer;
use super::scanner::Scanner;
use crate::cli::allow;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::cli::what::What;
use crate::finding::Finding;
use crate::report::json::confidence;
use crate::report::safe;
use crate::rule::Severity;

/// Commands that the editor sends back.
const ALLOW: &str = "sopup.allow";
const EXPLAIN: &str = "sopup.explain";

/// Reasons that the editor offers; there is nothing in the protocol that asks for a text.
const REASONS: [&str; 3] = ["an invented value", "public by design", "revoked"];

/// How the conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The editor asked for the end.
    Announced,
    /// It went away.
    Abruptly,
}

struct Server<'a> {
    connection: &'a Connection,
    scanner: Scanner<'a>,
    documents: HashMap<Uri, Document>,
    /// What was said last about a configuration that cannot be used.
    complaint: String,
}

struct Document {
    buffer: Buffer,
    version: i32,
    path: PathBuf,
    findings: Vec<Finding>,
    is_stale: bool,
}

/// Answers until the editor ends it.
///
/// # Errors
/// The editor does not begin as the protocol asks.
pub(super) fn serve(connection: &Connection, what: &What, ui: &Ui) -> Result<Ended, CliError> {
    let capabilities = serde_json::to_value(capabilities()).expect("they are plain values");
    // Errors of the protocol quote messages, and these hold texts.
    if connection.initialize(capabilities).is_err() {
        return Err(CliError::new(
            "no editor began a conversation on standard input",
            "let an editor start it: docs/src/editors.md of sopup",
        ));
    }
    let mut server = Server { connection, scanner: Scanner::new(what), documents: HashMap::new(), complaint: String::new() };
    while let Ok(message) = connection.receiver.recv() {
        let mut next = Some(message);
        // What was typed meanwhile is looked at once.
        while let Some(message) = next.take() {
            match message {
                Message::Request(request) if request.method == "shutdown" => {
                    return Ok(match connection.handle_shutdown(&request) {
                        Ok(true) => Ended::Announced,
                        Ok(false) | Err(_) => Ended::Abruptly,
                    });
                }
                Message::Request(request) => {
                    server.look();
                    server.answer(request);
                }
                Message::Notification(note) if note.method == Exit::METHOD => return Ok(Ended::Abruptly),
                Message::Notification(note) => server.take(note),
                Message::Response(_) => {}
            }
            next = connection.receiver.try_recv().ok();
        }
        server.look();
    }
    ui.note("the editor went away");
    Ok(Ended::Abruptly)
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(true.into()),
            ..TextDocumentSyncOptions::default()
        })),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: vec![ALLOW.to_owned(), EXPLAIN.to_owned()],
            ..ExecuteCommandOptions::default()
        }),
        ..ServerCapabilities::default()
    }
}

/// Where a document is; a place in the current folder for those that were never saved.
fn path_of(uri: &Uri) -> PathBuf {
    let path = uri.path().as_estr().decode().into_string_lossy().into_owned();
    let is_file = uri.scheme().is_some_and(|scheme| scheme.as_str().eq_ignore_ascii_case("file"));
    if !is_file {
        return std::env::current_dir().unwrap_or_default().join(Path::new(&path).file_name().unwrap_or_default());
    }
    let drive = path.strip_prefix('/').filter(|rest| cfg!(windows) && rest.as_bytes().get(1) == Some(&b':'));
    PathBuf::from(drive.unwrap_or(&path))
}

impl Server<'_> {
    fn take(&mut self, note: Notification) {
        let Notification { method, params } = note;
        match method.as_str() {
            DidOpenTextDocument::METHOD => {
                let Ok(DidOpenTextDocumentParams { text_document: open }) = serde_json::from_value(params) else { return };
                let path = path_of(&open.uri);
                let buffer = Buffer::new(open.text);
                let document = Document { buffer, version: open.version, path, findings: Vec::new(), is_stale: true };
                self.documents.insert(open.uri, document);
            }
            DidChangeTextDocument::METHOD => {
                let Ok(DidChangeTextDocumentParams { text_document, content_changes }) = serde_json::from_value(params) else { return };
                let Some(document) = self.documents.get_mut(&text_document.uri) else { return };
                content_changes.into_iter().for_each(|change| document.buffer.change(change));
                (document.version, document.is_stale) = (text_document.version, true);
            }
            DidCloseTextDocument::METHOD => {
                let Ok(DidCloseTextDocumentParams { text_document }) = serde_json::from_value(params) else { return };
                self.documents.remove(&text_document.uri);
                self.publish(text_document.uri, Vec::new(), None);
            }
            // A configuration may have changed.
            DidSaveTextDocument::METHOD | DidChangeWatchedFiles::METHOD => self.everything_is_stale(),
            _ => {}
        }
    }

    fn everything_is_stale(&mut self) {
        self.documents.values_mut().for_each(|document| document.is_stale = true);
    }

    /// Looks at the documents that changed, and publishes what is in them.
    fn look(&mut self) {
        let stale: Vec<Uri> = self.documents.iter().filter(|(_, document)| document.is_stale).map(|(uri, _)| uri.clone()).collect();
        for uri in stale {
            let document = self.documents.get_mut(&uri).expect("it is open");
            document.is_stale = false;
            match self.scanner.findings(&document.path, document.buffer.text()) {
                Ok(findings) => {
                    self.complaint.clear();
                    document.findings = findings;
                    let (diagnostics, version) = (diagnostics(document), document.version);
                    self.publish(uri, diagnostics, Some(version));
                }
                Err(error) => {
                    let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
                    self.complain(format!("sopup looks for no secrets: {error}{hint}"));
                }
            }
        }
    }

    /// Says it once.
    fn complain(&mut self, complaint: String) {
        if self.complaint != complaint {
            self.show(MessageType::ERROR, safe::line(&complaint));
            self.complaint = complaint;
        }
    }

    fn answer(&mut self, request: Request) {
        let Request { id, method, params } = request;
        match method.as_str() {
            HoverRequest::METHOD => self.reply(id, params, |server, params: HoverParams| {
                let place = params.text_document_position_params;
                let document = server.documents.get(&place.text_document.uri)?;
                let (finding, range) = found(document).find(|(_, range)| holds(range, place.position))?;
                let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::PlainText, value: explanation(finding) });
                Some(Hover { contents, range: Some(range) })
            }),
            CodeActionRequest::METHOD => self.reply(id, params, |server, params: CodeActionParams| {
                let uri = params.text_document.uri;
                let document = server.documents.get(&uri)?;
                let meets = |range: &Range| range.start <= params.range.end && params.range.start <= range.end;
                let met = found(document).filter(|(_, range)| meets(range));
                Some(met.flat_map(|(finding, range)| actions(&uri, finding, &diagnostic(finding, range))).collect::<Vec<_>>())
            }),
            ExecuteCommand::METHOD => match serde_json::from_value(params) {
                Ok(ExecuteCommandParams { command, arguments, .. }) => {
                    let done = self.execute(&command, arguments.first());
                    let told = match done {
                        Ok(told) => (MessageType::INFO, told),
                        Err(error) => (MessageType::ERROR, error.to_string()),
                    };
                    self.send(Response::new_ok(id, Value::Null));
                    self.show(told.0, told.1);
                    self.look();
                }
                Err(_) => self.refuse(id, -32602, "the parameters are not those of the method"),
            },
            _ => self.refuse(id, -32601, "the method is not known"),
        }
    }

    fn reply<P: serde::de::DeserializeOwned, R: serde::Serialize>(
        &self,
        id: RequestId,
        params: Value,
        answer: impl FnOnce(&Self, P) -> Option<R>,
    ) {
        match serde_json::from_value(params) {
            Ok(params) => self.send(Response::new_ok(id, answer(self, params))),
            Err(_) => self.refuse(id, -32602, "the parameters are not those of the method"),
        }
    }

    /// Does what an action asks for; gives what to say.
    fn execute(&mut self, command: &str, argument: Option<&Value>) -> Result<String, CliError> {
        let text = |key: &str| argument.and_then(|argument| argument[key].as_str()).unwrap_or_default();
        let gone = || CliError::new("the value is not in the document any more", "ask for actions again");
        let document = text("uri").parse().ok().and_then(|uri: Uri| self.documents.get(&uri)).ok_or_else(gone)?;
        let named = |finding: &&Finding| finding.fingerprint.to_string() == text("fingerprint");
        let finding = document.findings.iter().find(named).ok_or_else(gone)?;
        match command {
            EXPLAIN => Ok(explanation(finding)),
            ALLOW => {
                let file = self.scanner.settings(&document.path)?;
                let allowed = allow::write(text("reason"), None, &file, finding)?;
                let made = if allowed.has_new_key { "; `fingerprint_key` was added to the file" } else { "" };
                let told = format!("{}: allowed {} ({}){made}", file.display(), allowed.fingerprint, finding.rule.id);
                self.everything_is_stale();
                Ok(safe::line(&told))
            }
            _ => Err(CliError::new("the command is not known", "update the settings of the editor")),
        }
    }

    fn publish(&self, uri: Uri, diagnostics: Vec<Diagnostic>, version: Option<i32>) {
        self.notify::<PublishDiagnostics>(PublishDiagnosticsParams { uri, diagnostics, version });
    }

    fn show(&self, typ: MessageType, message: String) {
        self.notify::<ShowMessage>(ShowMessageParams { typ, message });
    }

    fn notify<N: lsp_types::notification::Notification>(&self, params: N::Params) {
        self.send(Notification::new(N::METHOD.to_owned(), params));
    }

    fn refuse(&self, id: RequestId, code: i32, message: &str) {
        self.send(Response::new_err(id, code, message.to_owned()));
    }

    /// An editor that went away reads nothing; the next message that does not come ends the server.
    fn send(&self, message: impl Into<Message>) {
        let _ = self.connection.sender.send(message.into());
    }
}

/// Findings with each of their places.
fn found(document: &Document) -> impl Iterator<Item = (&Finding, Range)> {
    let places = |finding: &Finding| finding.occurrences.iter().map(|one| one.bytes.clone()).collect::<Vec<_>>();
    document.findings.iter().flat_map(move |finding| places(finding).into_iter().map(move |bytes| (finding, document.buffer.range(&bytes))))
}

fn holds(range: &Range, position: Position) -> bool {
    range.start <= position && position <= range.end
}

fn diagnostics(document: &Document) -> Vec<Diagnostic> {
    found(document).map(|(finding, range)| diagnostic(finding, range)).collect()
}

fn diagnostic(finding: &Finding, range: Range) -> Diagnostic {
    let severity = match finding.severity {
        Severity::Critical | Severity::High => DiagnosticSeverity::ERROR,
        Severity::Medium => DiagnosticSeverity::WARNING,
        Severity::Low => DiagnosticSeverity::INFORMATION,
    };
    Diagnostic {
        range,
        severity: Some(severity),
        code: Some(NumberOrString::String(finding.rule.id.to_owned())),
        source: Some("sopup".to_owned()),
        message: format!("{} {}", finding.rule.name, masked(finding)),
        data: Some(json!({"fingerprint": finding.fingerprint.to_string()})),
        ..Diagnostic::default()
    }
}

fn masked(finding: &Finding) -> String {
    safe::line(&finding.secret.redacted())
}

/// Why it was found, and what to do.
fn explanation(finding: &Finding) -> String {
    let reasons: Vec<&str> = finding.reasons.iter().map(|reason| reason.code()).collect();
    let rule = finding.rule;
    let mut lines = vec![
        format!("{} {}", rule.name, masked(finding)),
        format!("{}, {} confidence: {}", rule.id, confidence(finding.confidence), reasons.join(", ")),
        String::new(),
        "To replace it:".to_owned(),
    ];
    lines.extend(rule.rotate_steps.iter().enumerate().map(|(at, step)| format!("{}. {step}", at + 1)));
    lines.extend(rule.rotate_url.map(str::to_owned));
    lines.extend([String::new(), format!("Fingerprint: {}", finding.fingerprint)]);
    lines.join("\n")
}

fn actions(uri: &Uri, finding: &Finding, diagnostic: &Diagnostic) -> Vec<CodeAction> {
    let fingerprint = finding.fingerprint.to_string();
    let action = |title: String, command: &str, reason: Option<&str>| CodeAction {
        title: title.clone(),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![diagnostic.clone()]),
        command: Some(Command {
            title,
            command: command.to_owned(),
            arguments: Some(vec![json!({"uri": uri.as_str(), "fingerprint": fingerprint, "reason": reason})]),
        }),
        ..CodeAction::default()
    };
    let explain = action(format!("Explain {}", masked(finding)), EXPLAIN, None);
    let allow = REASONS.iter().map(|reason| action(format!("Allow {}: {reason}", masked(finding)), ALLOW, Some(reason)));
    std::iter::once(explain).chain(allow).collect()
}
