//! A full disk and a broken file: nothing acknowledged is lost, nothing is overwritten.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Setup, client, trigger, until};
use crate::support::pagerduty::PagerDuty;

/// A small file system of its own; None where this user may not mount.
struct Small(PathBuf);

impl Small {
    fn mount(folder: &Path) -> Option<Self> {
        let path = folder.join("small");
        fs::create_dir(&path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(&path);
        let mounted = mount.status().is_ok_and(|status| status.success());
        mounted.then_some(Self(path))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_answered_with_503_until_there_is_room() {
    let pagerduty = PagerDuty::start().await;
    let setup = Setup::new(&pagerduty.url());
    let Some(small) = Small::mount(setup.folder.path()) else {
        println!("this user may not mount a file system: not tried");
        return;
    };
    let queue = format!("sqlite:{}", small.0.join("queue.db").display());
    let setup =
        setup.variable("PAGETRAIL_QUEUE", &queue).variable("PAGETRAIL_QUEUE_FREE_MEGABYTES", "16");
    let server = setup.start().await;
    let client = client();
    assert_eq!(server.post(&client, &trigger("before")).await.0, 202);

    let filler = small.0.join("filler");
    // What fits of it fills the disk, too.
    let _ = fs::write(&filler, vec![0_u8; 22 << 20]);
    let mut refused = (0, serde_json::Value::Null);
    for number in 0..200 {
        refused = server.post(&client, &trigger(&format!("full-{number}"))).await;
        if refused.0 != 202 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(refused.0, 503, "{refused:?}");
    let health = client.get(format!("{}/health", server.url)).send().await.unwrap();
    assert_eq!(health.status(), 503);

    fs::remove_file(&filler).unwrap();
    let mut status = 0;
    for _ in 0..500 {
        status = server.post(&client, &trigger("after")).await.0;
        if status == 202 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(status, 202, "it recovers by itself");
    until("what was acknowledged arrived", || {
        let keys = pagerduty.dedup_keys();
        keys.contains(&"before".to_owned()) && keys.contains(&"after".to_owned())
    })
    .await;
}

#[tokio::test]
async fn a_broken_file_is_set_aside_and_named_and_what_can_be_read_is_delivered() {
    let pagerduty = PagerDuty::start().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let setup = Setup::new(&format!("http://{nobody}/v2/enqueue"));
    let server = setup.start().await;
    for number in 0..200 {
        assert_eq!(server.post(&client(), &trigger(&format!("k-{number}"))).await.0, 202);
    }
    let mut server = server;
    server.signal("-TERM");
    server.ended().await;

    let path = setup.path("data/queue.db");
    let mut content = fs::read(&path).unwrap();
    let middle = content.len() / 2 / 4096 * 4096;
    content[middle..middle + 4096].fill(0x5a);
    fs::write(&path, &content).unwrap();
    let setup = setup.variable("PAGETRAIL_PAGERDUTY_URL", &pagerduty.url());
    let server = setup.start().await;
    let kept = fs::read_dir(setup.path("data")).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        fs::read(&path).is_ok_and(|kept| kept == content).then_some(path)
    });
    let kept: Vec<PathBuf> = kept.collect();
    assert_eq!(kept.len(), 1, "it lies beside the new one");
    let name = kept[0].file_name().unwrap().to_str().unwrap();
    assert!(server.log().contains(name), "{name} not in {}", server.log());
    assert_eq!(server.post(&client(), &trigger("after")).await.0, 202);
    until("most of what was in it arrived", || pagerduty.dedup_keys().len() > 100).await;
}

#[tokio::test]
async fn a_file_that_is_no_queue_is_refused_and_left_alone() {
    let pagerduty = PagerDuty::start().await;
    let setup = Setup::new(&pagerduty.url());
    fs::create_dir(setup.path("data")).unwrap();
    let other = b"this is no database at all, and somebody may want it back\n".repeat(100);
    fs::write(setup.path("data/queue.db"), &other).unwrap();
    let (code, said) = setup.run().await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("queue.db is not a Pagetrail queue"), "{said}");
    assert_eq!(fs::read(setup.path("data/queue.db")).unwrap(), other);
}
