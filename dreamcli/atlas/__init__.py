"""The pages of an atlas: what `dreamcli microscope` writes around its pictures. Never imports torch."""
