//! Git's configuration syntax (`git help config`), read from one file. Includes are not followed:
//! they lead outside.

/// One line of a configuration, for example `remote.origin.url`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// In lower case.
    pub(super) section: String,
    /// Empty if there is none.
    pub(super) subsection: Vec<u8>,
    /// In lower case.
    pub(super) key: String,
    /// `None` if there is no `=`, which means true.
    pub(super) value: Option<Vec<u8>>,
}

impl Setting {
    pub(super) fn is(&self, section: &str, key: &str) -> bool {
        self.section == section && self.key == key
    }

    pub(super) fn is_true(&self) -> bool {
        match self.value.as_deref() {
            None => true,
            Some(value) => [&b"true"[..], b"yes", b"on", b"1"].iter().any(|word| value.eq_ignore_ascii_case(word)),
        }
    }
}

/// All settings of a file, in order. What is not understood is passed over.
pub(super) fn settings(text: &[u8]) -> Vec<Setting> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = Reader { text, at: 0 };
    let (mut section, mut subsection) = (String::new(), Vec::new());
    let mut found = Vec::new();
    while let Some(byte) = reader.next() {
        match byte {
            b'#' | b';' => reader.skip_line(),
            b'[' => (section, subsection) = reader.header(),
            _ if byte.is_ascii_alphabetic() => {
                let (key, value) = reader.assignment(byte);
                found.push(Setting { section: section.clone(), subsection: subsection.clone(), key, value });
            }
            _ if byte.is_ascii_whitespace() => {}
            _ => reader.skip_line(),
        }
    }
    found
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|byte| byte != b'\n') {}
    }

    /// What follows `[`: `section]`, `section "sub"]` or `section.sub]`.
    fn header(&mut self) -> (String, Vec<u8>) {
        let mut name = Vec::new();
        let mut quoted = None;
        while let Some(byte) = self.next() {
            match byte {
                b']' | b'\n' => break,
                b'"' => quoted = Some(self.quoted()),
                _ => name.push(byte.to_ascii_lowercase()),
            }
        }
        let name = String::from_utf8_lossy(name.trim_ascii()).into_owned();
        match (quoted, name.split_once('.')) {
            (Some(quoted), _) => (name, quoted),
            (None, Some((section, subsection))) => (section.to_owned(), subsection.as_bytes().to_vec()),
            (None, None) => (name, Vec::new()),
        }
    }

    fn quoted(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        while let Some(byte) = self.next() {
            match byte {
                b'"' | b'\n' => break,
                b'\\' => text.extend(self.next()),
                _ => text.push(byte),
            }
        }
        text
    }

    fn assignment(&mut self, first: u8) -> (String, Option<Vec<u8>>) {
        let mut key = String::from(char::from(first.to_ascii_lowercase()));
        while let Some(byte) = self.peek().filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') {
            key.push(char::from(byte.to_ascii_lowercase()));
            self.at += 1;
        }
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            self.at += 1;
        }
        if self.peek() != Some(b'=') {
            self.skip_line();
            return (key, None);
        }
        self.at += 1;
        (key, Some(self.value()))
    }

    /// What follows `=`, up to the end of the line, without quotes, comments and outer blanks.
    fn value(&mut self) -> Vec<u8> {
        let mut value = Vec::new();
        let mut inside = false;
        // Blanks up to here are part of the value.
        let mut kept = 0;
        while let Some(byte) = self.next() {
            match byte {
                b'\n' => break,
                b'"' => inside = !inside,
                b'#' | b';' if !inside => {
                    self.skip_line();
                    break;
                }
                b'\\' => match self.next() {
                    Some(b'\r') if self.peek() == Some(b'\n') => self.at += 1,
                    Some(b'\n') | None => {}
                    Some(b'n') => value.push(b'\n'),
                    Some(b't') => value.push(b'\t'),
                    Some(other) => value.push(other),
                },
                _ if byte.is_ascii_whitespace() && !inside => {
                    if !value.is_empty() {
                        value.push(byte);
                    }
                    continue;
                }
                _ => value.push(byte),
            }
            kept = value.len();
        }
        value.truncate(kept);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_quotes_comments_and_continued_lines() {
        let text = b"[core]\n\tbare = TRUE ; no work tree\n\tlogAllRefUpdates\n\
            [remote \"a \\\"b\\\" c\"] url = \"https://x#y\" \\\n  z # comment\n[branch.Main]\n merge=refs/heads/main\r\n= broken\n[extensions]\n objectFormat = sha256";
        let read: Vec<_> = settings(text)
            .into_iter()
            .map(|one| {
                let value = one.value.map(|value| String::from_utf8(value).expect("ASCII"));
                (one.section, String::from_utf8(one.subsection).expect("ASCII"), one.key, value)
            })
            .collect();
        let expected = [
            ("core", "", "bare", Some("TRUE")),
            ("core", "", "logallrefupdates", None),
            ("remote", "a \"b\" c", "url", Some("https://x#y   z")),
            ("branch", "main", "merge", Some("refs/heads/main")),
            ("extensions", "", "objectformat", Some("sha256")),
        ];
        let expected: Vec<_> = expected
            .map(|(section, sub, key, value)| (section.to_owned(), sub.to_owned(), key.to_owned(), value.map(str::to_owned)))
            .into();
        assert_eq!(read, expected);
    }

    #[test]
    fn what_counts_as_true() {
        let text = b"\xef\xbb\xbf[a]\nx\ny = yes\nz = no\n";
        assert_eq!(settings(text).iter().map(Setting::is_true).collect::<Vec<_>>(), [true, true, false]);
    }
}
