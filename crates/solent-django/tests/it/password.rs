use std::num::NonZeroUsize;

use proptest::prelude::*;
use solent_django::password::{
    Algorithm, DjangoRelease, Hasher, PasswordError, PasswordLimits, PasswordPool, Passwords,
    PoolConfig, Verdict, is_usable, unusable,
};

use crate::vectors::{rows, text, value};

/// The cheapest hasher, so that what is tested is not how slow others are.
const CHEAP: Hasher = Hasher::Pbkdf2Sha256 { iterations: 1 };

const PASSWORD: &str = "correct horse battery staple";

fn all() -> Passwords {
    [
        Algorithm::Bcrypt,
        Algorithm::Md5,
        Algorithm::UnsaltedMd5,
        Algorithm::UnsaltedSha1,
    ]
    .into_iter()
    .fold(Passwords::new(CHEAP), Passwords::accept)
}

#[test]
fn every_recorded_password_is_right_and_others_are_wrong() {
    for row in rows("/password_hashers") {
        let encoded = text(row, "encoded");
        let Some(password) = row["password"].as_str() else {
            assert_eq!(all().check("", encoded), Verdict::Wrong, "{row}");
            continue;
        };
        assert_eq!(all().check(password, encoded), Verdict::Outdated, "{row}");
        let is_cheap = !row["note"]
            .as_str()
            .is_some_and(|note| note.starts_with("default"));
        if is_cheap {
            assert_eq!(all().check("Tr0ub4dor&3", encoded), Verdict::Wrong, "{row}");
        }
    }
}

#[test]
fn the_hashers_have_the_parameters_of_django() {
    let iterations = |release: DjangoRelease| match release.hasher() {
        Hasher::Pbkdf2Sha256 { iterations } => iterations,
        other => panic!("{other:?}"),
    };
    let recorded = value("/meta/default_pbkdf2_iterations_by_version");
    assert_eq!(recorded["5.2"], iterations(DjangoRelease::V5_2));
    assert_eq!(recorded["6.0"], iterations(DjangoRelease::V6_0));
    assert_eq!(recorded["6.1"], iterations(DjangoRelease::V6_1));

    let defaults = value("/hasher_defaults");
    let number = |pointer: &str| defaults.pointer(pointer).unwrap().as_u64().unwrap() as u32;
    let argon2 = Hasher::Argon2 {
        time: number("/argon2/time_cost"),
        memory: number("/argon2/memory_cost"),
        parallelism: number("/argon2/parallelism"),
    };
    let scrypt = Hasher::Scrypt {
        n: number("/scrypt/n"),
        r: number("/scrypt/r"),
        p: number("/scrypt/p"),
    };
    let bcrypt = Hasher::BcryptSha256 {
        cost: number("/bcrypt_sha256.rounds"),
    };
    assert_eq!(
        [Hasher::ARGON2, Hasher::SCRYPT, Hasher::BCRYPT_SHA256],
        [argon2, scrypt, bcrypt]
    );
}

#[test]
fn what_a_hasher_makes_is_right_current_and_of_djangos_form() {
    let hashers = [
        (CHEAP, "pbkdf2_sha256$1$", 83),
        (Hasher::Pbkdf2Sha1 { iterations: 7 }, "pbkdf2_sha1$7$", 65),
        (
            Hasher::Argon2 {
                time: 1,
                memory: 64,
                parallelism: 8,
            },
            "argon2$argon2id$v=19$m=64,t=1,p=8$",
            108,
        ),
        (
            Hasher::BcryptSha256 { cost: 4 },
            "bcrypt_sha256$$2b$04$",
            74,
        ),
        (Hasher::Bcrypt { cost: 4 }, "bcrypt$$2b$04$", 67),
        (Hasher::Scrypt { n: 2, r: 8, p: 5 }, "scrypt$2$", 124),
        (Hasher::Md5, "md5$", 59),
    ];
    for (hasher, prefix, length) in hashers {
        let passwords = Passwords::new(hasher);
        let encoded = passwords.hash(PASSWORD).unwrap();

        assert!(encoded.starts_with(prefix), "{encoded}");
        assert_eq!(encoded.len(), length, "{encoded}");
        assert_ne!(passwords.hash(PASSWORD).unwrap(), encoded);
        assert_eq!(passwords.check(PASSWORD, &encoded), Verdict::Current);
        assert_eq!(passwords.check("", &encoded), Verdict::Wrong);
        assert!(!passwords.needs_upgrade(&encoded));
    }
}

#[test]
fn what_was_made_in_another_way_is_outdated() {
    let column = |name: &str, index: usize| {
        let matching = rows("/password_hashers")
            .iter()
            .filter(|row| text(row, "algorithm") == name);
        text(matching.clone().nth(index).unwrap(), "encoded")
    };
    let cases = [
        (
            Hasher::Pbkdf2Sha256 { iterations: 1000 },
            column("pbkdf2_sha256", 0),
            false,
        ),
        (
            Hasher::Pbkdf2Sha256 { iterations: 1001 },
            column("pbkdf2_sha256", 0),
            true,
        ),
        (
            Hasher::Pbkdf2Sha256 { iterations: 999 },
            column("pbkdf2_sha256", 0),
            true,
        ),
        (
            Hasher::Pbkdf2Sha1 { iterations: 1000 },
            column("pbkdf2_sha256", 0),
            true,
        ),
        (Hasher::ARGON2, column("argon2", 0), false),
        (
            Hasher::Argon2 {
                time: 3,
                memory: 102_400,
                parallelism: 8,
            },
            column("argon2", 0),
            true,
        ),
        (Hasher::SCRYPT, column("scrypt", 0), false),
        (Hasher::SCRYPT, column("scrypt", 1), true),
        (Hasher::BCRYPT_SHA256, column("bcrypt_sha256", 1), false),
        (Hasher::BCRYPT_SHA256, column("bcrypt_sha256", 0), true),
        (Hasher::BCRYPT_SHA256, column("bcrypt", 0), true),
        (Hasher::Bcrypt { cost: 4 }, column("bcrypt", 0), false),
        (Hasher::Md5, column("md5", 0), false),
        (CHEAP, &unusable(), false),
        (CHEAP, "", true),
        (CHEAP, "pbkdf2_sha256$x", true),
        // Too little salt.
        (
            Hasher::Pbkdf2Sha256 { iterations: 1000 },
            "pbkdf2_sha256$1000$seasalt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            true,
        ),
        (
            Hasher::Md5,
            "md5$seasalt$3bd87ecc64757e93a1e426d944bc41a4",
            true,
        ),
        // Another variety, another version, and less salt.
        (
            Hasher::ARGON2,
            "argon2$argon2i$v=19$m=102400,t=2,p=8$c2Vhc2FsdHNlYXNhbHRzZWFzYWx0MQ$WOL0EbJwkl5WHGrBl/T+XuNnPQw4pns9hF29KN0uUKA",
            true,
        ),
        (
            Hasher::ARGON2,
            "argon2$argon2id$m=102400,t=2,p=8$c2Vhc2FsdHNlYXNhbHRzZWFzYWx0MQ$WOL0EbJwkl5WHGrBl/T+XuNnPQw4pns9hF29KN0uUKA",
            true,
        ),
        (
            Hasher::ARGON2,
            "argon2$argon2id$v=19$m=102400,t=2,p=8$c2Vhc2FsdHNlYXM$WOL0EbJwkl5WHGrBl/T+XuNnPQw4pns9hF29KN0uUKA",
            true,
        ),
    ];
    for (hasher, encoded, outdated) in cases {
        assert_eq!(
            Passwords::new(hasher).needs_upgrade(encoded),
            outdated,
            "{hasher:?} {encoded}"
        );
    }
}

#[test]
fn fast_hashes_are_believed_only_where_asked_to() {
    let columns = [
        (Algorithm::UnsaltedMd5, "5f4dcc3b5aa765d61d8327deb882cf99"),
        (
            Algorithm::UnsaltedMd5,
            "md5$$5f4dcc3b5aa765d61d8327deb882cf99",
        ),
        (
            Algorithm::UnsaltedSha1,
            "sha1$$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
        ),
        (Algorithm::Md5, "md5$salt$67a1e09bb1f83f5007dc119c14d663aa"),
        (
            Algorithm::Bcrypt,
            "bcrypt$$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm",
        ),
    ];
    for (algorithm, encoded) in columns {
        let passwords = Passwords::new(CHEAP);
        assert_eq!(
            passwords.check("password", encoded),
            Verdict::Wrong,
            "{encoded}"
        );
        let passwords = passwords.accept(algorithm);
        assert_eq!(
            passwords.check("password", encoded),
            Verdict::Outdated,
            "{encoded}"
        );
        assert_eq!(
            passwords.check("passwore", encoded),
            Verdict::Wrong,
            "{encoded}"
        );
    }
}

#[test]
fn algorithms_can_be_taken_away() {
    let encoded = Passwords::new(Hasher::BcryptSha256 { cost: 4 })
        .hash(PASSWORD)
        .unwrap();
    let passwords = Passwords::new(CHEAP);
    assert!(passwords.verify(PASSWORD, &encoded));
    let passwords = passwords.accept_only([]);
    assert!(!passwords.verify(PASSWORD, &encoded));
    assert!(passwords.verify(PASSWORD, &passwords.hash(PASSWORD).unwrap()));
}

#[test]
fn an_unusable_password_is_nobodys() {
    let column = unusable();
    assert_eq!((column.len(), is_usable(&column)), (41, false));
    assert_ne!(column, unusable());
    for password in ["", "!", &column, &column[1..]] {
        assert!(!all().verify(password, &column));
    }
}

#[test]
fn bcrypt_looks_at_72_bytes_and_bcrypt_sha256_at_all() {
    let long = "é".repeat(40);
    let longer = format!("{long}!");
    let bcrypt = Passwords::new(Hasher::Bcrypt { cost: 4 });
    assert!(bcrypt.verify(&longer, &bcrypt.hash(&long).unwrap()));
    let sha256 = Passwords::new(Hasher::BcryptSha256 { cost: 4 });
    assert!(!sha256.verify(&longer, &sha256.hash(&long).unwrap()));
}

#[test]
fn older_varieties_of_argon2_and_bcrypt_are_believed() {
    // Made by argon2-cffi 25.1 and bcrypt 5.0, which Django uses.
    let columns = [
        "argon2$argon2i$v=19$m=64,t=2,p=2$c2Vhc2FsdHNlYXNhbHRzZWFzYWx0MQ$WLQ+aN45SBaVbz2kVl4FR4hLyy1BLJoWfTGKH4mm5HE",
        "argon2$argon2i$v=16$m=64,t=2,p=2$c2Vhc2FsdHNlYXNhbHRzZWFzYWx0MQ$q4CfNuS9KI+K6eQ82mli2go0Xhbg60l6x4BnXV47L1o",
        "argon2$argon2i$m=64,t=2,p=2$c2Vhc2FsdHNlYXNhbHRzZWFzYWx0MQ$q4CfNuS9KI+K6eQ82mli2go0Xhbg60l6x4BnXV47L1o",
        "argon2$argon2d$v=19$m=64,t=2,p=2$c2Vhc2FsdHNlYXNhbHRzZWFzYWx0MQ$N1Eq9rB+VWZsXweirfNGi4P/E+e1DJj+PopgmVFu9J4",
        "argon2$argon2id$v=19$m=64,t=2,p=2$c2Vhc2FsdHNlYXNhbHRzZWFzYWx0MQ$nQSPFBgcFdEn1NOYy9f7iIngeQ/SgwXdIN5G4aKUgNI",
        "argon2$argon2id$v=16$m=64,t=2,p=2$c2Vhc2FsdHNlYXNhbHRzZWFzYWx0MQ$2EUhcVWDJoVSwFb2kvq6b1V1zLgTnutbEVYBtBFsFyA",
        "argon2$argon2i$v=19$m=16,t=1,p=1$c2Vhc2FsdDg$8HyCg5cHvUyf8ubIB7Ncug",
        "bcrypt$$2a$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
        "bcrypt$$2y$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
    ];
    for encoded in columns {
        assert_eq!(
            all().check(PASSWORD, encoded),
            Verdict::Outdated,
            "{encoded}"
        );
        assert_eq!(all().check("", encoded), Verdict::Wrong, "{encoded}");
    }
    let empty = "bcrypt$$2b$04$abcdefghijklmnopqrstuubyCG3zY1GIXMyxfivm.ClDiInHzxjiq";
    assert!(all().verify("", empty));
    // What version 2x is was made by a fault that nobody has any more.
    assert!(!all().verify("", &empty.replace("2b", "2x")));
}

#[test]
fn a_column_that_asks_for_too_much_is_refused_at_once() {
    let hash32 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let hash64 =
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";
    let hash32n = hash32.trim_end_matches('=');
    let columns = [
        format!("pbkdf2_sha256$10000001$salt${hash32}"),
        format!("pbkdf2_sha256$4294967295$salt${hash32}"),
        format!("pbkdf2_sha256$1099511627776$salt${hash32}"),
        format!("scrypt$1099511627776$salt$8$1${hash64}"),
        format!("scrypt$2147483648$salt$8$1${hash64}"),
        format!("scrypt$1048576$salt$8$1${hash64}"),
        format!("scrypt$2$salt$4294967295$1${hash64}"),
        format!("scrypt$2$salt$1$4294967295${hash64}"),
        format!("scrypt$2$salt$4294967295$4294967295${hash64}"),
        format!("scrypt$2147483648$salt$4294967295$4294967295${hash64}"),
        format!("scrypt$16384$salt$8$1000${hash64}"),
        format!("argon2$argon2id$v=19$m=4294967295,t=1,p=1$c2Vhc2FsdHNlYXNhbHQ${hash32n}"),
        format!(
            "argon2$argon2id$v=19$m=4294967295,t=4294967295,p=16777215$c2Vhc2FsdHNlYXNhbHQ${hash32n}"
        ),
        format!("argon2$argon2id$v=19$m=8,t=4294967295,p=1$c2Vhc2FsdHNlYXNhbHQ${hash32n}"),
        format!("argon2$argon2id$v=19$m=262145,t=1,p=1$c2Vhc2FsdHNlYXNhbHQ${hash32n}"),
        "bcrypt_sha256$$2b$31$abcdefghijklmnopqrstuuaBT8mpw5tGdD3eO40znWcQP/dT9hEVK".to_owned(),
        "bcrypt_sha256$$2b$17$abcdefghijklmnopqrstuuaBT8mpw5tGdD3eO40znWcQP/dT9hEVK".to_owned(),
    ];
    for encoded in columns {
        assert_eq!(all().check("", &encoded), Verdict::Wrong, "{encoded}");
    }
}

#[test]
fn limits_are_inclusive() {
    let limits = PasswordLimits::default()
        .iterations(7)
        .cost(4)
        .memory(64 << 10)
        .work(128 << 10);
    let hash = |hasher| Passwords::new(hasher).limits(limits).hash(PASSWORD);
    let within = [
        Hasher::Pbkdf2Sha256 { iterations: 7 },
        Hasher::BcryptSha256 { cost: 4 },
        Hasher::Argon2 {
            time: 2,
            memory: 64,
            parallelism: 1,
        },
        Hasher::Scrypt { n: 64, r: 8, p: 2 },
    ];
    for hasher in within {
        let encoded = hash(hasher).unwrap();
        assert!(
            Passwords::new(hasher)
                .limits(limits)
                .verify(PASSWORD, &encoded),
            "{encoded}"
        );
    }
    let beyond = [
        Hasher::Pbkdf2Sha256 { iterations: 8 },
        Hasher::BcryptSha256 { cost: 5 },
        Hasher::Argon2 {
            time: 2,
            memory: 65,
            parallelism: 1,
        },
        Hasher::Argon2 {
            time: 3,
            memory: 64,
            parallelism: 1,
        },
        Hasher::Scrypt { n: 128, r: 8, p: 1 },
        Hasher::Scrypt { n: 64, r: 8, p: 3 },
    ];
    for hasher in beyond {
        assert!(
            matches!(hash(hasher), Err(PasswordError::Parameters)),
            "{hasher:?}"
        );
        let cheapened = Passwords::new(hasher).hash(PASSWORD).unwrap();
        assert!(
            !Passwords::new(hasher)
                .limits(limits)
                .verify(PASSWORD, &cheapened),
            "{hasher:?}"
        );
    }
}

#[test]
fn impossible_parameters_are_an_error() {
    let hashers = [
        Hasher::Pbkdf2Sha256 { iterations: 0 },
        Hasher::BcryptSha256 { cost: 3 },
        Hasher::Bcrypt { cost: 32 },
        Hasher::Argon2 {
            time: 0,
            memory: 64,
            parallelism: 1,
        },
        Hasher::Argon2 {
            time: 1,
            memory: 64,
            parallelism: 9,
        },
        Hasher::Argon2 {
            time: 1,
            memory: 64,
            parallelism: u32::MAX,
        },
        Hasher::Scrypt {
            n: 1000,
            r: 8,
            p: 1,
        },
        Hasher::Scrypt { n: 0, r: 8, p: 1 },
        Hasher::Scrypt { n: 1, r: 8, p: 1 },
        Hasher::Scrypt { n: 16, r: 0, p: 1 },
        Hasher::Scrypt {
            n: 16,
            r: u32::MAX,
            p: u32::MAX,
        },
    ];
    for hasher in hashers {
        let limits = PasswordLimits::default().cost(u32::MAX);
        let told = Passwords::new(hasher).limits(limits).hash(PASSWORD);
        assert!(
            matches!(told, Err(PasswordError::Parameters)),
            "{hasher:?} {told:?}"
        );
    }
}

#[test]
fn malformed_columns_are_nobodys() {
    for row in rows("/password_hashers") {
        let encoded = text(row, "encoded");
        let is_cheap = ["1000$", "$04$", "md5$", "scrypt$1024"]
            .iter()
            .any(|cost| encoded.contains(cost));
        if !is_cheap {
            continue;
        }
        let password = text(row, "password");
        for (place, _) in encoded.char_indices() {
            let (cut, without) = (
                &encoded[..place],
                [&encoded[..place], &encoded[place + 1..]].concat(),
            );
            assert!(!all().verify(password, cut), "{cut}");
            assert!(!all().verify(password, &without), "{without}");
        }
    }
}

#[tokio::test]
async fn the_pool_checks_and_makes_passwords() {
    let pool = PasswordPool::new(Passwords::new(CHEAP), PoolConfig::default());
    let column = pool.hash(PASSWORD).await.unwrap();
    assert_eq!(
        pool.check(PASSWORD, column.clone()).await.unwrap(),
        Verdict::Current
    );
    assert_eq!(pool.check("", column).await.unwrap(), Verdict::Wrong);
    pool.pretend(PASSWORD).await.unwrap();
    assert!(!pool.passwords().needs_upgrade("!"));
}

#[tokio::test]
async fn a_pool_that_has_too_much_to_do_says_so() {
    let config = PoolConfig::default().workers(NonZeroUsize::MIN).queue(1);
    let slow = Passwords::new(Hasher::Pbkdf2Sha256 {
        iterations: 200_000,
    });
    let pool = PasswordPool::new(slow, config);

    let (first, second, third) = tokio::join!(
        pool.hash(PASSWORD),
        pool.hash(PASSWORD),
        pool.hash(PASSWORD)
    );

    assert!(first.is_ok() && second.is_ok());
    assert!(matches!(third, Err(PasswordError::Busy(_))), "{third:?}");
    assert!(pool.hash(PASSWORD).await.is_ok());
}

proptest! {
    #[test]
    fn no_column_panics(encoded in any::<String>()) {
        prop_assert!(!all().verify("", &encoded));
    }

    #[test]
    fn no_column_that_looks_right_panics(
        name in "pbkdf2_sha256|pbkdf2_sha1|argon2|bcrypt_sha256|bcrypt|scrypt|md5|sha1",
        rest in "(\\$|[0-9]{1,3}|[a-zA-Z0-9+/=.]{0,30}|m=[0-9]{1,3},t=1,p=1|argon2id?|2b|v=19){0,10}",
    ) {
        let _ = all().check("", &format!("{name}${rest}"));
    }

    #[test]
    fn any_password_is_right_for_its_column(password in any::<String>(), other in any::<String>()) {
        let passwords = Passwords::new(CHEAP);
        let column = passwords.hash(&password).unwrap();
        prop_assert!(passwords.verify(&password, &column));
        prop_assert_eq!(passwords.verify(&other, &column), password == other);
    }
}
