use http::{Method, StatusCode};
use serde::Deserialize;
use solent_edge::Csrf;
use solent_testing::TestRequest;

use super::{FORM, status};

#[derive(Deserialize)]
struct Vectors {
    trusted: Vec<String>,
    csrf: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    method: String,
    secure: bool,
    host: String,
    origin: Option<String>,
    referer: Option<String>,
    cookie: Option<String>,
    header: Option<String>,
    form: Option<String>,
    allowed: bool,
}

impl Case {
    fn request(&self) -> TestRequest {
        let method = Method::from_bytes(self.method.as_bytes()).unwrap();
        let mut request = TestRequest::new(method, "/order/")
            .secure(self.secure)
            .header("host", &self.host);
        let cookie = self
            .cookie
            .as_ref()
            .map(|cookie| format!("csrftoken={cookie}"));
        for (name, value) in [
            ("origin", &self.origin),
            ("referer", &self.referer),
            ("cookie", &cookie),
            ("x-csrftoken", &self.header),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        match &self.form {
            Some(form) => request.header("content-type", FORM).body(form.clone()),
            None => request,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_taken_and_refused_as_in_django() {
    let vectors = include_str!("../vectors/django_request_vectors.json");
    let vectors: Vectors = serde_json::from_str(vectors).unwrap();
    assert!(vectors.csrf.len() > 200);
    let csrf = vectors
        .trusted
        .iter()
        .try_fold(Csrf::default(), Csrf::trust)
        .unwrap();
    let mut wrong = Vec::new();

    for case in vectors.csrf {
        if (status(&csrf, case.request()).await == StatusCode::OK) != case.allowed {
            wrong.push(case);
        }
    }

    assert!(wrong.is_empty(), "{wrong:#?}");
}
