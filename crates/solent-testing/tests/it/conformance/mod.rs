//! The conformance kit accepts what keeps its promises and notices every kind of defect.

mod defect;
mod faulty;
mod late;
mod sound;
