"""Pages in a real browser: what they show, what they ask of the network, who can use them."""
