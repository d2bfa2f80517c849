//! Small files, read with a limit: a file system can hang, and a file can be a pipe that nobody writes to.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::timeout;

/// How long one read can take.
const LONGEST: Duration = Duration::from_secs(5);
/// The largest file: a thousand routing keys are 40 kB.
const LARGEST: u64 = 1 << 20;
/// Nothing can end a read that hangs, and each keeps a thread.
const MOST_HANGING: usize = 8;

static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// The text of a file.
///
/// # Errors
/// When it cannot be read, is larger than a mebibyte, or does not come to its end within 5 s.
pub async fn read_text(path: &Path) -> io::Result<String> {
    let path = path.to_owned();
    within(move || {
        let mut text = String::new();
        let read = File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
        if read as u64 > LARGEST {
            return Err(io::Error::other("it is larger than 1 MiB"));
        }
        Ok(text)
    })
    .await
}

/// Does work with files on a thread of its own, and gives up waiting for it after 5 s.
///
/// # Errors
/// Those of the work, and when it takes longer, or too much other work still hangs.
pub async fn within<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    if UNDER_WAY.fetch_add(1, Ordering::Relaxed) >= MOST_HANGING {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
        return Err(io::Error::other("earlier reads of files still hang"));
    }
    let working = tokio::task::spawn_blocking(move || {
        let done = work();
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
        done
    });
    let Ok(done) = timeout(LONGEST, working).await else {
        let words = format!("it did not come to its end within {} s", LONGEST.as_secs());
        return Err(io::Error::new(io::ErrorKind::TimedOut, words));
    };
    done.unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn a_file_and_what_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, "text").unwrap();
        assert_eq!(read_text(&path).await.unwrap(), "text");
        fs::write(&path, vec![b'a'; (1 << 20) + 1]).unwrap();
        assert!(read_text(&path).await.unwrap_err().to_string().contains("1 MiB"));
        assert_eq!(read_text(folder.path()).await.unwrap_err().kind(), io::ErrorKind::IsADirectory);

        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let hanging = read_text(&pipe).await.unwrap_err();
        assert!(hanging.to_string().contains("within 5 s"), "{hanging}");
        // So that the test's runtime can end.
        fs::write(&pipe, "late").unwrap();
    }
}
