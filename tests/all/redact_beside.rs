//! Redaction of secrets that have no delimiter before them: command lines, calls, statements.

use crate::redact::{golden, untouched};

/// Command lines in failure messages: `Command failed: …`, an argument list, a shell's trace.
#[test]
fn secrets_on_command_lines() {
    golden(&[
        ("curl -u bob:hunter2 https://x", "curl -u bob:[redacted: password] https://x"),
        ("curl -sSfu bob:a:b https://x", "curl -sSfu bob:[redacted: password] https://x"),
        ("curl -ubob:hunter2 x", "curl -ubob:[redacted: password] x"),
        ("curl --user 'bob:a b' x", "curl --user 'bob:[redacted: password]' x"),
        ("curl --proxy-user=bob:x1 -v", "curl --proxy-user=bob:[redacted: password] -v"),
        (
            "['curl', '-u', 'bob:hunter2', 'https://x']",
            "['curl', '-u', 'bob:[redacted: password]', 'https://x']",
        ),
        ("mysql -uroot -phunter2 shop", "mysql -uroot -p[redacted: password] shop"),
        (
            "/usr/bin/mysqldump -h db -p'a b' shop",
            "/usr/bin/mysqldump -h db -p'[redacted: password]' shop",
        ),
        (
            r#"spawn ["mysqladmin", "-phunter2", "ping"]"#,
            r#"spawn ["mysqladmin", "-p[redacted: password]", "ping"]"#,
        ),
        (
            r#"{"argv":["curl","-u","bob:a b","--token","x1","-v"]}"#,
            r#"{"argv":["curl","-u","bob:[redacted: password]","--token","[redacted: token]","-v"]}"#,
        ),
        ("sshpass -p hunter2 ssh -p 22 h", "sshpass -p [redacted: password] ssh -p 22 h"),
        ("mongodump -u bob -p hunter2 x", "mongodump -u bob -p [redacted: password] x"),
        ("docker login -u bob -p hunter2 h", "docker login -u bob -p [redacted: password] h"),
        ("redis-cli -h c -a hunter2 ping", "redis-cli -h c -a [redacted: password] ping"),
        ("ldapsearch -x -w hunter2 -b dc", "ldapsearch -x -w [redacted: password] -b dc"),
        ("sqlcmd -S db -U sa -P hunter2", "sqlcmd -S db -U sa -P [redacted: password]"),
        ("smbclient //h/s -U bob%hunter2", "smbclient //h/s -U bob%[redacted: password]"),
        ("7z x -phunter2 a.7z", "7z x -p[redacted: password] a.7z"),
    ]);
    untouched(&[
        "docker run -u 1000:1000 image",
        "docker run -u app:app -p 8080:80 image",
        "mysql -u root -p shop",
        "mysql -h db -P 3306 failed",
        "ssh -p 2222 host; mkdir -p /var/a1; ps -p 123",
        "redis-cli -h cache ping; ls -a file1",
        "psql -U bob -p 5432 -w shop",
        "grep -w word1 file; curl -u",
        "retry -p50 of 99",
        r#"["mysql","-u","root","-p","shop"]"#,
    ]);
}

/// A name directly before its value: a type that prints itself, a call, a statement, a sentence.
#[test]
fn secrets_beside_their_name() {
    golden(&[
        (r#"Some(Password("hunter2"))"#, r#"Some(Password("[redacted: password]"))"#),
        (r#"User { key: ApiKey("k1-aa-22") }"#, r#"User { key: ApiKey("[redacted: api key]") }"#),
        (r#"Token(\"a1b2c3d4\")"#, r#"Token(\"[redacted: token]\")"#),
        ("client.setPassword('a b')", "client.setPassword('[redacted: password]')"),
        ("Login(bob, Password(hunter2x))", "Login(bob, Password([redacted: password]))"),
        ("passwd hunter2x", "passwd [redacted: password]"),
        ("wrong password hunter2x, again", "wrong password [redacted: password], again"),
        ("the password is P@ssw0rd!", "the password is [redacted: password]"),
        ("password 'a b' refused", "password '[redacted: password]' refused"),
        (
            "ALTER USER bob WITH PASSWORD 'abc'",
            "ALTER USER bob WITH PASSWORD '[redacted: password]'",
        ),
        (
            "CREATE USER b IDENTIFIED BY 'abc'; x",
            "CREATE USER b IDENTIFIED BY '[redacted: password]'; x",
        ),
        (
            "IDENTIFIED WITH mysql_native_password by \"abc\"",
            "IDENTIFIED WITH mysql_native_password by \"[redacted: password]\"",
        ),
    ]);
    untouched(&[
        "at com.shop.UserService.resetPassword(UserService.java:88)",
        "at Shop.Users.ResetPassword(String user1) in /src/Users.cs:line 4",
        "at checkPassword (/var/task/user.js:10:5)",
        "get_secret(\"prod/db1\") failed: AccessDenied",
        "unexpected Token(\"}\") in Token(\"ident\")",
        "password authentication failed for user \"bob\"",
        "password must have 12characters or more",
        "password sha256 and password_hash are different",
        "bad password for user42, passwd /etc/shadow, password reset",
        "the password is wrong",
        "followed by 'x' and sorted by \"name\"",
    ]);
}
