//! What may end a connection from outside its application.
