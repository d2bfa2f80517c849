//! Secrets in the arguments of commands: `curl -u bob:…`, `mysql -p…`, `redis-cli -a …`, also in an
//! argument list: `["curl", "-u", "bob:…"]`.

use super::scan::{Hit, Scan, Scanned};
use super::settings::Category;
use super::{Redactor, mark, pairs, values};

/// How far before an option its program's name is looked for.
const FARTHEST_PROGRAM: usize = 256;

/// How an option and its secret stand together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `-psecret`
    Attached,
    /// `-p secret`
    Next,
    /// `-p secret` or `-psecret`
    Either,
    /// `-U user%secret`
    BehindPercent,
}

/// Options of one letter mean something else in each program. A program's name here stands for all
/// names that begin with it.
const OPTIONS: &[(&str, Form, &[&str])] = &[
    ("p", Form::Attached, &["mysql", "mariadb", "7z", "7za", "7zr"]),
    ("p", Form::Either, &["sshpass"]),
    (
        "p",
        Form::Next,
        &["mongo", "docker login", "podman login", "helm registry login", "az login"],
    ),
    ("a", Form::Next, &["redis-cli", "valkey-cli"]),
    ("w", Form::Next, &["ldap"]),
    ("P", Form::Either, &["sqlcmd", "bcp", "isql", "osql", "unzip", "zip", "mosquitto_"]),
    ("pw", Form::Next, &["plink", "pscp", "psftp"]),
    ("U", Form::BehindPercent, &["smb", "rpcclient", "net"]),
];

/// At the `-` before an option of one letter: is its value a secret?
pub(super) fn option(scan: &Scan<'_>, at: usize) -> Option<Hit> {
    if !scan.is_on(Category::NamedSecrets) || !begins(scan, at) {
        return None;
    }
    let rest = &scan.text[at + 1..];
    user_option(scan, at, rest).or_else(|| {
        OPTIONS.iter().find_map(|(letters, form, programs)| {
            if !rest.starts_with(letters) || !runs(scan, at, programs) {
                return None;
            }
            let from = at + 1 + letters.len();
            let next = next_argument(scan, from);
            let (start, end) = match (form, next) {
                (Form::Attached | Form::Either, None) => argument(scan, at, from),
                (Form::Next | Form::Either, Some(start)) => argument(scan, start, start),
                (Form::BehindPercent, Some(start)) => {
                    let (start, end) = argument(scan, start, start);
                    (start + scan.text[start..end].find('%')? + 1, end)
                }
                _ => return None,
            };
            is_secret(scan, start, end).then_some(Hit { start, end, mark: mark::PASSWORD })
        })
    })
}

/// At `--user` or `--proxy-user`: the password of `user:password`.
pub(super) fn long_option(scan: &Scan<'_>, at: usize) -> Option<Hit> {
    let rest = &scan.text[at + 2..];
    let name = ["user", "proxy-user"].into_iter().find(|name| {
        rest.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '=', '"', '\'', '\\']))
    })?;
    if !scan.is_on(Category::NamedSecrets) {
        return None;
    }
    let from = at + 2 + name.len();
    let equals = scan.bytes.get(from) == Some(&b'=');
    let start = if equals { Some(from + 1) } else { next_argument(scan, from) };
    password_of(scan, at, start?)
}

/// The last argument of a command without the secret it is or ends with; none if it has none.
/// `before`: the earlier arguments, with spaces between them.
pub(super) fn last_argument(redactor: &Redactor, before: &str, argument: &str) -> Option<String> {
    let last = before.rfind(' ').map_or(0, |space| space + 1);
    let at = if argument.starts_with('-') { before.len() + 1 } else { last };
    if before.is_empty() || !argument.starts_with('-') && !before[last..].starts_with('-') {
        return None;
    }
    let line = format!("{before} {argument}");
    let scan = Scan { redactor, text: &line, bytes: line.as_bytes(), floor: 0, no_jwt_before: 0 };
    let hit = if line[at..].starts_with("--") {
        match pairs::flag(&scan, at) {
            Scanned::Hit(hit) => hit,
            _ => long_option(&scan, at)?,
        }
    } else {
        option(&scan, at)?
    };
    let kept = argument.get(..hit.start.checked_sub(before.len() + 1)?)?;
    let mut out = kept.to_owned();
    mark::write(&mut out, hit.mark);
    Some(out)
}

/// Adds an argument to the earlier ones of its command, of which only the end is kept.
pub(super) fn add_argument(command: &mut String, argument: &str) {
    if !command.is_empty() {
        command.push(' ');
    }
    command.push_str(argument);
    if command.len() > FARTHEST_PROGRAM {
        command.drain(..command.floor_char_boundary(command.len() - FARTHEST_PROGRAM));
    }
}

/// `-u user:password`, for curl also behind other letters (`-sSu`) and without the space.
fn user_option(scan: &Scan<'_>, at: usize, rest: &str) -> Option<Hit> {
    let letters = rest.bytes().take(8).take_while(u8::is_ascii_alphabetic).count();
    let place = rest[..letters].find(['u', 'U'])?;
    let from = at + 1 + place + 1;
    match next_argument(scan, from) {
        Some(start) if place == 0 => password_of(scan, at, start),
        next if runs(scan, at, &["curl"]) => password_of(scan, at, next.unwrap_or(from)),
        _ => None,
    }
}

/// The password of the argument `user:password` that begins here.
fn password_of(scan: &Scan<'_>, at: usize, from: usize) -> Option<Hit> {
    let (start, end) = argument(scan, from, from);
    let (user, password) = scan.text[start..end].split_once(':')?;
    let is_part =
        |it: char| it.is_alphanumeric() || matches!(it, '.' | '_' | '-' | '@' | '+' | '\\');
    let is_user = !user.is_empty() && user.chars().all(is_part);
    // `docker run -u 1000:1000`, `-u app:app`: a user and a group.
    let is_group = password == user
        || password.bytes().all(|it| it.is_ascii_digit()) && !runs(scan, at, &["curl"]);
    let start = end - password.len();
    (is_user && !is_group && !password.starts_with('/') && is_secret(scan, start, end))
        .then_some(Hit { start, end, mark: mark::PASSWORD })
}

/// Whether an argument begins at this position.
fn begins(scan: &Scan<'_>, at: usize) -> bool {
    at == 0 || matches!(scan.bytes[at - 1], b' ' | b'\t' | b'"' | b'\'' | b'[' | b',')
}

/// The start of the argument behind the one that ends here: behind a space, or in an argument list
/// behind `", "`.
fn next_argument(scan: &Scan<'_>, end: usize) -> Option<usize> {
    let rest = &scan.bytes[end..];
    let quote = rest.iter().take_while(|it| **it == b'\\').count();
    let quote = quote + usize::from(matches!(rest.get(quote), Some(b'"' | b'\'')));
    let comma = usize::from(quote > 0 && rest.get(quote) == Some(&b','));
    let spaces = rest[quote + comma..].iter().take_while(|it| matches!(it, b' ' | b'\t')).count();
    let gap = quote + comma + spaces;
    (spaces + comma > 0 && rest.get(gap).is_some_and(|it| *it != b'-')).then_some(end + gap)
}

/// The argument that begins at `from`, without its quotes; `first` is where its word begins, at the
/// option's `-` if the two are one word.
fn argument(scan: &Scan<'_>, first: usize, from: usize) -> (usize, usize) {
    if let Some(inside) = values::quoted(scan, from, usize::MAX) {
        return inside;
    }
    let enclosing = if first == from { None } else { values::enclosing_quote(scan, first) };
    let end = match enclosing {
        Some(quote) => quote.close(scan.bytes, from, usize::MAX),
        None => values::unquoted_end(scan, from, usize::MAX),
    };
    (from, end)
}

/// Not empty, not a mark, and not a port: `-p3306:3306`.
fn is_secret(scan: &Scan<'_>, start: usize, end: usize) -> bool {
    let value = &scan.text[start..end];
    let port = value.bytes().all(|it| it.is_ascii_digit() || it == b':')
        && (value.len() <= 5 || value.contains(':'));
    !value.is_empty() && !port && scan.mark_at(start).is_none()
}

/// Whether one of these programs stands before this position, in the same command.
fn runs(scan: &Scan<'_>, at: usize, programs: &[&str]) -> bool {
    let floor = scan.text.ceil_char_boundary(at.saturating_sub(FARTHEST_PROGRAM));
    let command = &scan.text[floor..at];
    let command = command.rsplit(['\n', ';', '|', '&']).next().unwrap_or(command);
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let words = command.split(|letter| !is_part(letter)).filter(|word| !word.is_empty());
    programs.iter().any(|program| {
        let (first, others) = program.split_once(' ').unwrap_or((program, ""));
        if !command.contains(first) {
            return false;
        }
        let mut words = words.clone();
        words.any(|word| word.starts_with(first))
            && others.split(' ').filter(|it| !it.is_empty()).all(|it| words.any(|word| word == it))
    })
}
