//! Where the keywords of a text are. In a text made from parts of another one they are looked for
//! in the new parts alone.

use std::ops::Range;

use crate::rule::Prefilter;
use crate::text::{Copied, Span};

/// The places are kept of texts whose length is at least so many times what they take of memory.
const WORTH: usize = 2;

/// While a text is searched, its keywords may take so many times the memory of the text itself.
const BURDEN: usize = 2;

/// A keyword in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect) struct Keyword {
    start: usize,
    len: u8,
    pub(in crate::detect) number: u16,
}

impl Keyword {
    pub(in crate::detect) fn span(self) -> Span {
        Span::new(self.start, self.end())
    }

    fn end(self) -> usize {
        self.start + usize::from(self.len)
    }
}

/// The keywords of a text, by increasing end, the longer of two first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::detect) struct Keywords {
    places: Vec<Keyword>,
    /// False if there were too many to keep.
    known: bool,
}

impl Keywords {
    /// Searches a whole text and hands over every keyword; keeps them if they are worth it.
    pub(in crate::detect) fn each(text: &[u8], prefilter: &Prefilter, mut found: impl FnMut(Keyword)) -> Self {
        let mut gathered = Gathered::of(text.len().max(1024) / WORTH);
        prefilter.find(text, |number, start| {
            let keyword = keyword(prefilter, number, start);
            found(keyword);
            gathered.push(keyword);
        });
        gathered.places.map_or(Self { places: Vec::new(), known: false }, |places| Self { places, known: true })
    }

    /// Those of a text made from this one; `seams` are its new parts and the points where copied ones meet. `None` if they
    /// are too many to hold.
    pub(in crate::detect) fn inherited(&self, text: &[u8], prefilter: &Prefilter, copied: &[Copied], seams: &[Span]) -> Option<Self> {
        let mut gathered = Gathered::of(text.len().max(1024) * BURDEN);
        if !self.known {
            prefilter.find(text, |number, start| gathered.push(keyword(prefilter, number, start)));
            return gathered.places.map(|places| Self { places, known: true });
        }
        let mut parts: Vec<Range<usize>> = Vec::with_capacity(seams.len());
        for seam in seams {
            let part = prefilter.around(text, seam.range());
            match parts.last_mut() {
                Some(last) if part.start <= last.end => last.end = part.end,
                _ => parts.push(part),
            }
        }
        let mut near = seams;
        prefilter.find_in(text, parts, |number, start| {
            let keyword = keyword(prefilter, number, start);
            let passed = near.iter().take_while(|seam| seam.end + prefilter.longest < keyword.start).count();
            near = &near[passed..];
            let cut = |seam: &Span| seam.start < keyword.end() && keyword.start < seam.end;
            if near.iter().take_while(|seam| seam.start < keyword.end()).any(cut) {
                gathered.push(keyword);
            }
        });
        let new = gathered.places?;
        let mut places = Vec::with_capacity(self.places.len() + new.len());
        let mut new = new.into_iter().peekable();
        for run in copied {
            for keyword in self.within(Span::new(run.from, run.from + run.len)) {
                let keyword = Keyword { start: keyword.start - run.from + run.to, ..keyword };
                while let Some(before) = new.next_if(|new| (new.end(), new.start) < (keyword.end(), keyword.start)) {
                    places.push(before);
                }
                places.push(keyword);
            }
        }
        places.extend(new);
        Some(Self { places, known: true })
    }

    pub(in crate::detect) fn all(&self) -> impl Iterator<Item = Keyword> {
        self.places.iter().copied()
    }

    /// Those that lie in a part of the text.
    pub(in crate::detect) fn within(&self, part: Span) -> impl Iterator<Item = Keyword> {
        let first = self.places.partition_point(|keyword| keyword.end() <= part.start);
        let reached = self.places[first..].iter().take_while(move |keyword| keyword.end() <= part.end);
        reached.filter(move |keyword| keyword.start >= part.start).copied()
    }

    /// What is worth to be kept of a text of this length.
    pub(in crate::detect) fn kept(mut self, len: usize) -> Self {
        if self.places.len().saturating_mul(size_of::<Keyword>() * WORTH) > len.max(1024) {
            return Self { places: Vec::new(), known: false };
        }
        self.places.shrink_to_fit();
        self
    }
}

/// Keywords while they are gathered; `None` once they take too much memory.
struct Gathered {
    places: Option<Vec<Keyword>>,
    most: usize,
}

impl Gathered {
    /// That may take so many bytes.
    fn of(bytes: usize) -> Self {
        Self { places: Some(Vec::new()), most: bytes / size_of::<Keyword>() }
    }

    fn push(&mut self, keyword: Keyword) {
        if let Some(places) = self.places.as_mut().filter(|places| places.len() < self.most) {
            places.push(keyword);
        } else {
            self.places = None;
        }
    }
}

fn keyword(prefilter: &Prefilter, number: u16, start: usize) -> Keyword {
    Keyword { start, len: prefilter.lengths[usize::from(number)], number }
}
