/** Configurations for the load balancers that stand before a cluster. */
package io.flotilla.http.balancer;
