//! A kind's template: its first message with `<*>` for each value.

use super::token::Token;
use super::word::Class;

/// The message with its masked parts replaced, on one line.
pub(super) fn of(tokens: &[Token], message: &str) -> String {
    let mut template = String::with_capacity(message.len());
    let mut at = 0;
    for token in tokens {
        let (start, end) = (token.start as usize, token.end as usize);
        // The stored message can be shorter than the one that was read.
        let (Some(between), Some(text)) = (message.get(at..start), message.get(start..end)) else {
            break;
        };
        template.push_str(between);
        if token.class == Class::Mask {
            template.push_str("<*>");
            at = end + closers(text, message.get(end..).unwrap_or(""));
            continue;
        }
        {
            template.push_str(text.get(..token.keep as usize).unwrap_or(text));
            if (token.keep as usize) < text.len() {
                template.push_str("<*>");
            }
        }
        at = end;
    }
    template.push_str(message.get(at..).unwrap_or(""));
    crate::text::one_line(&template)
}

/// Closing brackets directly after a value that contains the opening ones.
fn closers(value: &str, after: &str) -> usize {
    let count = |open: char, close: char| {
        value.matches(open).count().saturating_sub(value.matches(close).count())
    };
    let mut open = count('(', ')') + count('[', ']') + count('{', '}');
    let closing = after.chars().take_while(|next| {
        let closes = open > 0 && matches!(next, ')' | ']' | '}');
        open -= usize::from(closes);
        closes
    });
    closing.count()
}
