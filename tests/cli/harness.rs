//! A machine with an AWS configuration of its own, and the command run on it.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::PATIENCE;
use crate::support::aws::Aws;
use crate::support::lambda::REGION;

/// The key that stands in the environment.
pub const ENVIRONMENT_KEY: &str = "AKIAENVIRONMENT";

/// A home directory and an environment, and nothing else.
pub struct Machine {
    home: TempDir,
    variables: BTreeMap<String, String>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub error: String,
}

impl Machine {
    /// Nothing of AWS is set up.
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().display().to_string();
        let machine = Self { home, variables: BTreeMap::new() };
        machine
            .variable("HOME", &path)
            // For the programs that tests and profiles start.
            .variable("PATH", &std::env::var("PATH").unwrap())
            // Otherwise it would ask the address of EC2's metadata service.
            .variable("AWS_EC2_METADATA_DISABLED", "true")
    }

    /// Credentials and a Region in the environment; AWS is the stand-in.
    pub fn with(aws: &Aws) -> Self {
        Self::new()
            .variable("AWS_ENDPOINT_URL", &aws.url())
            .variable("AWS_ACCESS_KEY_ID", ENVIRONMENT_KEY)
            .variable("AWS_SECRET_ACCESS_KEY", "environment-secret")
            .variable("AWS_REGION", REGION)
    }

    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// A file below the home directory.
    #[must_use]
    pub fn file(self, name: &str, content: &str) -> Self {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// The command, about to be started.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs pagetrail to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(env!("CARGO_BIN_EXE_pagetrail"), arguments);
        let output = timeout(PATIENCE, command.output()).await.unwrap().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            error: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
