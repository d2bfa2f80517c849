//! Merging: combines shapes that differ in one position only, if many different words occur there.

use std::collections::HashMap;

use super::token::Token;
use super::word::Class;

/// Rounds of merging; each round can turn one more position of a shape into a value.
const ROUNDS: usize = 4;

/// With this many distinct words in one position, everything else being equal, the position holds a
/// value. Fewer words are treated as states: `Started`, `Paused`, `Resumed`, `Stopped`.
const WORDS: usize = 5;
const DOTTED: usize = 4;
const IDS: usize = 2;

/// Words that must stay, so that a shape still has a meaning.
const CONTEXT: usize = 2;

/// One shape of line: its tokens, and the shape that it was merged into.
#[derive(Debug)]
pub(super) struct Shape {
    pub tokens: Vec<Token>,
    pub into: usize,
}

/// The shape that `shape` was merged into.
pub(super) fn root(shapes: &[Shape], mut shape: usize) -> usize {
    while shapes[shape].into != shape {
        shape = shapes[shape].into;
    }
    shape
}

/// Merges shapes that differ in a value only. The work grows with the number of tokens, not with
/// pairs of shapes: each position of each shape is looked up once in a round.
pub(super) fn merge(shapes: &mut [Shape]) {
    for _ in 0..ROUNDS {
        let same = join_equal(shapes);
        let values = find_values(shapes);
        if values.is_empty() {
            if !same {
                break;
            }
            continue;
        }
        for (shape, place) in values {
            let token = &mut shapes[shape].tokens[place];
            token.class = Class::Mask;
            token.hash = 0;
            token.keep = 0;
        }
        for shape in shapes.iter_mut() {
            collapse(&mut shape.tokens);
        }
    }
    join_equal(shapes);
}

/// A number for the whole shape, made of one number for each position.
pub(super) fn signature(tokens: &[Token]) -> u64 {
    let sum = tokens
        .iter()
        .enumerate()
        .fold(0u64, |sum, (place, token)| sum.wrapping_add(mix(token.hash, place)));
    sum ^ (tokens.len() as u64).rotate_left(32)
}

fn mix(hash: u64, place: usize) -> u64 {
    let mixed = (hash ^ (place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_mul(0xff51_afd7_ed55_8ccd);
    (mixed ^ (mixed >> 32)).wrapping_mul(0xc4ce_b9fe_1a85_ec53)
}

/// Joins shapes that have become equal. Returns whether there were any.
fn join_equal(shapes: &mut [Shape]) -> bool {
    let mut first: HashMap<u64, usize> = HashMap::with_capacity(shapes.len());
    let mut joined = false;
    for (index, shape) in shapes.iter_mut().enumerate() {
        // Shapes without tokens differ by their punctuation.
        if shape.into == index && !shape.tokens.is_empty() {
            shape.into = *first.entry(signature(&shape.tokens)).or_insert(index);
            joined |= shape.into != index;
        }
    }
    joined
}

#[derive(Default)]
struct WordCounts {
    masks: u32,
    ids: u32,
    dotted: u32,
    settings: u32,
    words: u32,
}

impl WordCounts {
    fn is_value(&self, context: usize) -> bool {
        let named = self.ids + self.dotted + self.settings + self.words;
        let all = (named + self.masks) as usize;
        if named == 0 || all < 2 {
            return false;
        }
        let ids = self.ids + self.masks + self.settings;
        // A key whose value is a number in other shapes has a value here too.
        let valued = self.settings == 0 || self.masks > 0;
        if self.words == 0 && self.dotted == 0 && valued {
            return context >= 1 && ids as usize >= IDS;
        }
        if self.words == 0 && valued {
            return context >= 1 && (all >= DOTTED || self.masks > 0);
        }
        context >= CONTEXT && all >= WORDS
    }
}

/// The positions that hold values, as (shape, position).
fn find_values(shapes: &[Shape]) -> Vec<(usize, usize)> {
    let mut places: HashMap<u64, WordCounts> = HashMap::new();
    each_place(shapes, |key, token, _, _, _| {
        let place = places.entry(key).or_default();
        match token.class {
            Class::Mask => place.masks += 1,
            Class::Id => place.ids += 1,
            Class::Dotted => place.dotted += 1,
            Class::Setting => place.settings += 1,
            Class::Word => place.words += 1,
            Class::Fixed => {}
        }
    });
    let mut values = Vec::new();
    each_place(shapes, |key, token, shape, place, context| {
        if token.class != Class::Mask
            && places.get(&key).is_some_and(|found| found.is_value(context))
        {
            values.push((shape, place));
        }
    });
    // One position for each shape and round: with two new values at the same time, their context
    // would be lost.
    values.dedup_by_key(|(shape, _)| *shape);
    values
}

/// Calls `visit` with each position that can hold a value: the shape's number without that
/// position, the token there, and how many words are in other positions.
fn each_place(shapes: &[Shape], mut visit: impl FnMut(u64, &Token, usize, usize, usize)) {
    for (index, shape) in shapes.iter().enumerate() {
        if shape.into != index {
            continue;
        }
        let whole = signature(&shape.tokens) ^ (shape.tokens.len() as u64).rotate_left(32);
        let words = shape.tokens.iter().filter(|token| token.class != Class::Mask).count();
        for (place, token) in shape.tokens.iter().enumerate() {
            // A message rarely begins with a value that looks like a word.
            if token.class == Class::Fixed || (place == 0 && token.class == Class::Word) {
                continue;
            }
            let key = whole
                .wrapping_sub(mix(token.hash, place))
                .wrapping_add(mix(1, place))
                .wrapping_add((shape.tokens.len() as u64).rotate_left(40));
            let context = words - usize::from(token.class != Class::Mask);
            visit(key, token, index, place, context);
        }
    }
}

fn collapse(tokens: &mut Vec<Token>) {
    tokens.dedup_by(|next, kept| {
        let both = next.class == Class::Mask && kept.class == Class::Mask;
        if both {
            kept.end = next.end;
        }
        both
    });
}
