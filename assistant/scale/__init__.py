"""Several machines: replicas of our programs on the nodes of a cluster, and the router in front of them.

Ray Serve places, scales and watches *our server processes*, one a replica; it sees none of their requests. These come
to the router at the addresses that clients know, and are passed to a replica. Nothing of Ray is imported but by
`cluster.py`, which is imported where it is asked for.
"""
