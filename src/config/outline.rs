//! On which line each part of a YAML text stands.

use granit_parser::{Event, Parser};

/// A part of a text, with those inside it.
#[derive(Debug, Clone, Default)]
pub(super) struct Outline {
    /// From 1: that of its key, or where it begins.
    pub(super) line: usize,
    keys: Vec<(String, Outline)>,
    items: Vec<Outline>,
}

/// One step into a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// To the value of a key.
    Key(String),
    /// To an item of a list, from 0.
    Item(usize),
}

impl Outline {
    /// Of a text that [`crate::text::check_nesting`] has let through; the first document counts.
    pub(super) fn of(text: &str) -> Self {
        let mut events = Parser::new_from_str(text).map_while(Result::ok).map(|(event, span)| (event, span.start.line()));
        while let Some((event, line)) = events.next() {
            if matches!(event, Event::Scalar(..) | Event::Alias(..) | Event::MappingStart(..) | Event::SequenceStart(..)) {
                return read(&event, line, &mut events);
            }
        }
        Self { line: 1, ..Self::default() }
    }

    /// The line of what lies a few steps inside, or of the last part on the way that is there.
    pub(super) fn line_of(&self, steps: &[Step]) -> usize {
        let mut part = self;
        for step in steps {
            let next = match step {
                Step::Key(key) => part.keys.iter().find(|(known, _)| known == key).map(|(_, part)| part),
                Step::Item(at) => part.items.get(*at),
            };
            let Some(next) = next else { break };
            part = next;
        }
        part.line
    }

    /// The line of the value of a key, if it is there.
    pub(super) fn line_of_key(&self, key: &str) -> Option<usize> {
        self.keys.iter().find(|(known, _)| known == key).map(|(_, part)| part.line)
    }

    /// Takes out what lies a few steps inside; later items of a list move up, as in its value.
    pub(super) fn remove(&mut self, steps: &[Step]) {
        match steps {
            [] => {}
            [Step::Key(key)] => self.keys.retain(|(known, _)| known != key),
            [Step::Item(at)] if *at < self.items.len() => _ = self.items.remove(*at),
            [Step::Item(_)] => {}
            [Step::Key(key), rest @ ..] => {
                if let Some((_, part)) = self.keys.iter_mut().find(|(known, _)| known == key) {
                    part.remove(rest);
                }
            }
            [Step::Item(at), rest @ ..] => {
                if let Some(part) = self.items.get_mut(*at) {
                    part.remove(rest);
                }
            }
        }
    }
}

/// Reads a part whose first event has been taken.
fn read<'e>(first: &Event<'_>, line: usize, events: &mut impl Iterator<Item = (Event<'e>, usize)>) -> Outline {
    let mut part = Outline { line, ..Outline::default() };
    match first {
        Event::SequenceStart(..) => {
            while let Some((event, line)) = events.next() {
                if matches!(event, Event::SequenceEnd) {
                    break;
                }
                part.items.push(read(&event, line, events));
            }
        }
        Event::MappingStart(..) => {
            while let Some((event, line)) = events.next() {
                if matches!(event, Event::MappingEnd) {
                    break;
                }
                let key = if let Event::Scalar(text, ..) = &event { text.to_string() } else { String::new() };
                read(&event, line, events);
                let Some((event, _)) = events.next() else { break };
                let value = Outline { line, ..read(&event, line, events) };
                part.keys.push((key, value));
            }
        }
        _ => {}
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(path: &str) -> Vec<Step> {
        path.split('.').map(|step| step.parse().map_or_else(|_| Step::Key(step.to_owned()), Step::Item)).collect()
    }

    #[test]
    fn lines_of_keys_and_items() {
        let text = "# ours\na: &x\n  - p: 1\n    q:\n      - r\n      - s\n  - p: 2\nb: *x\nc: [u,\n  v]\n";
        let mut outline = Outline::of(text);
        for (path, line) in [("a", 2), ("a.0.p", 3), ("a.0.q", 4), ("a.0.q.1", 6), ("a.1", 7), ("b", 8), ("b.0.p", 8), ("c.1", 10)] {
            assert_eq!(outline.line_of(&steps(path)), line, "{path}");
        }
        outline.remove(&steps("a.0.q.0"));
        assert_eq!(outline.line_of(&steps("a.0.q.0")), 6);
        outline.remove(&steps("a.0"));
        assert_eq!(outline.line_of(&steps("a.0.p")), 7);
        outline.remove(&steps("c"));
        assert_eq!(outline.line_of(&steps("c.1")), 2);
        assert_eq!(Outline::of("").line_of(&steps("a")), 1);
    }
}
