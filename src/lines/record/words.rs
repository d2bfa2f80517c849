//! The first words of a line, and where each begins.

/// Number of words that are checked from the start of the line.
const REACH: usize = 24;

/// The first words of a line and where each begins.
pub(super) struct Words<'a> {
    line: &'a str,
    pub(super) words: Vec<(usize, &'a str)>,
}

impl<'a> Words<'a> {
    pub(super) fn of(line: &'a str) -> Self {
        let mut words = Vec::with_capacity(REACH);
        let mut at = 0;
        while words.len() < REACH {
            let rest = &line[at..];
            let Some(begin) = rest.find(|next: char| !next.is_whitespace()) else { break };
            let rest = &rest[begin..];
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            // The parts of a head are often separated by bars without spaces.
            let bar = rest[..end].find('|').map_or(end, |bar| bar + 1);
            // Brackets too: `[TIME][ERROR][logger]`.
            let bracket = if rest.starts_with('[') { rest[..bar].find("][") } else { None };
            let end = bracket.map_or(bar, |bracket| bracket + 1);
            words.push((at + begin, &rest[..end]));
            at += begin + end;
        }
        Self { line, words }
    }

    pub(super) fn get(&self, index: usize) -> &'a str {
        self.words.get(index).map_or("", |(_, word)| *word)
    }

    pub(super) fn rest(&self, index: usize) -> &'a str {
        self.words.get(index).map_or("", |(at, _)| self.line[*at..].trim_end())
    }

    /// Whether the word is padded to a column's width.
    pub(super) fn padded(&self, index: usize) -> bool {
        let (Some((at, word)), Some((next, _))) =
            (self.words.get(index), self.words.get(index + 1))
        else {
            return false;
        };
        next - (at + word.len()) >= 2
    }
}
