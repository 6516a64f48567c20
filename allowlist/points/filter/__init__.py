"""Other egress filters than Azure's, read from their files: ``filter``. They are judged and compared, never written."""
